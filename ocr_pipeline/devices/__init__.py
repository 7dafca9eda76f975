"""Who may use which device of this machine, and who may make which artifact: leases that die with their holders.

Only the standard library is imported here: a keeper of this package stands beside every step and must start at once.
"""
