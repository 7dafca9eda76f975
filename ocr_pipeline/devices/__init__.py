"""Who may use which device of this machine: leases that die with their holders.

Beside the standard library only errors and settings are imported here: a keeper of this package stands beside every
step and must start at once.
"""
