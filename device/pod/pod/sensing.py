# A sensor that may be absent, or go and come back.
from micropython import const

_RETRY_TURNS = const(100)


class Sensing:
    fault = 0

    def __init__(self, pod):
        self.pod = pod
        self.part = None
        self._wait_turns = 0

    def open(self):
        # The driver. Raises OSError while the part is absent.
        raise NotImplementedError

    def step(self):
        # One measurement. Raises OSError when the part has gone.
        raise NotImplementedError

    @property
    def works(self):
        return self.part is not None

    def reopen(self):
        # After a change of its address.
        self.part, self._wait_turns = None, 0

    def _try(self, action):
        try:
            return action()
        except OSError as error:
            if self.part is not None or self._wait_turns == 0:
                self.pod.link.fault(self.fault, str(error))
            self.part, self._wait_turns = None, _RETRY_TURNS
            return None

    def turn(self):
        if self.part is None and self._wait_turns > 1:
            self._wait_turns -= 1
        elif self.part is None:
            self.part = self._try(self.open)
        else:
            self._try(self.step)
