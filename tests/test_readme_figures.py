"""The accuracy table of the README says what the bundled model's card says."""

import json
from pathlib import Path
from typing import Any

from barbotage_models.bundle import bundled_model
from barbotage_models.contract.card import card_path

ROOT = Path(__file__).resolve().parents[1]

# Row title, key in the card, how a value is written.
ROWS = (
    ("deposits of 5 mm and more found", "deposit_sensitivity_from_5_mm", "{:.0%}"),
    ("soft deposits (no shadow) found", "deposit_sensitivity_shadow_none", "{:.0%}"),
    ("deposit Dice, pooled cells", "deposit_dice", "{:.2f}"),
    ("false deposits per frame", "false_deposits_per_frame", "{:.3f}"),
    ("needles with 5 mm of visible shaft found", "needle_found_share", "{:.0%}"),
    ("shaft angle error, median", "angle_error_median", "{:.2f} deg"),
    ("tip error when shown, median", "tip_error_median", "{:.2f} mm"),
    ("tip error when shown, 95th percentile", "tip_error_p95", "{:.2f} mm"),
    ("visible tips shown", "tip_shown_share", "{:.0%}"),
    ("frames with a false needle", "false_needle_share", "{:.1%}"),
    ("frames with a false tip", "false_tip_share", "{:.1%}"),
)
SETS = ("simulated", "composite", "real")


def cell(measured: dict[str, Any], kind: str, key: str, form: str) -> str:
    value = measured.get(kind, {}).get(key)
    if value is None:
        return ""
    low, high = form.format(value["low"]), form.format(value["high"])
    return f"{form.format(value['value'])} ({low} to {high}, n {value['n']})"


def table(measured: dict[str, Any]) -> list[str]:
    """The lines of the table."""
    head = [
        "| measure | simulated scenes | needle and deposit on real pictures | real pictures as they are |",
        "|---|---|---|---|",
    ]
    return head + [f"| {title} | {' | '.join(cell(measured, kind, key, form) for kind in SETS)} |" for title, key, form in ROWS]


def test_the_table_is_the_cards() -> None:
    card = json.loads(card_path(bundled_model()).read_text(encoding="utf-8"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    missing = [line for line in table(card["measured"]) if line not in readme]
    assert not missing, "put these lines into the README:\n" + "\n".join(missing)
