"""A laboratory of hosts in namespaces: what scripts/lab, scripts/demo and the integration tests stand on.

A lab is one keeper process, whose network namespace holds the switches, and one init process per host, which is
process 1 of namespaces of its own. Nothing of it outlives these processes: no named namespace, no device outside, no
mount; only a folder below /run says which processes belong to which lab, and the keeper removes it when it ends.
"""
