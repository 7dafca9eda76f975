"""Who may use which device of this machine: a fair queue of leases that die with the processes that hold them.

Only the standard library is imported here: a keeper of this package stands beside every step and must start at once.
"""
