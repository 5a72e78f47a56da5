"""The fault injector: known defects put into a recording or a simulated robot, in its own form."""
