# Who the pod is.
import machine
from pod.protocol import HELLO, HELLO_LAYOUT, PROTOCOL
from pod.version import HASH, VERSION


def send_hello(link, flags, serial):
    major, minor, patch = VERSION
    return link.send(HELLO, HELLO_LAYOUT, PROTOCOL, major, minor, patch, machine.reset_cause(), flags, HASH, serial)
