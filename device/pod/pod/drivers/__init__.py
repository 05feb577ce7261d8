# One class a part: bus and pins are passed in.
