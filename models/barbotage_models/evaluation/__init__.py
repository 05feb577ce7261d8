"""How good it is: realism gates, metrics, report."""
