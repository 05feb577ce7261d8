"""What a paired host may do."""

from enum import IntEnum


class Role(IntEnum):
    """Each role may do what the ones below it may."""

    NOBODY = 0
    """Not paired: identity, versions, pairing."""
    VIEWER = 1
    OPERATOR = 2
    SERVICE = 3

    @property
    def word(self) -> str:
        """As it is written in messages and files."""
        return self.name.lower()


PAIRABLE = {role.word: role for role in Role if role is not Role.NOBODY}
