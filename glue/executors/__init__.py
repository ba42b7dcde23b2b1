"""What the executors of a plan share. Python 3.9 syntax: the Python shell of AWS Glue has no other."""
