"""Programs that do harm, each one kind, from a process of its own.

    python -m tests.attack.attackers.pipelined PORT --connections 50 --seconds 22

They attack 127.0.0.1 alone, from addresses of 127.0.0.0/8, and end by themselves.
"""
