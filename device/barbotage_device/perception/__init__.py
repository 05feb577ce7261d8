"""Model output to deposits, bone surface and needle, in millimetres; tracking over time."""
