"""The procedure in the live program: what is seen goes in, wishes go through it, records and signs come out."""
