# Runs the test_ functions of a module and says of each whether it held: micropython runner.py logic_frame
import asyncio
import sys


def run(module):
    failed = 0
    for name in sorted(dir(module)):
        if name.startswith("test_"):
            try:
                result = getattr(module, name)()
                if result is not None:  # a coroutine
                    asyncio.run(result)
                print("ok", name)
            except Exception as error:
                failed += 1
                print("FAILED", name)
                sys.print_exception(error)
    return failed


if __name__ == "__main__":
    sys.exit(1 if run(__import__(sys.argv[1])) else 0)
