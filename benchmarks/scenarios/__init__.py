"""What is measured, one module a load. Each scenario returns its figures by name.

Names end in their unit: `_us` microseconds, `_ms` milliseconds, `_s` seconds, `_kb` kilobytes
(1,000 bytes), `_mb` megabytes; `_per_s` is a rate by the clock and `_per_cpu_s` one by the
server's CPU time, which other programs on the machine do not disturb.
"""

Figures = dict[str, float]

# Where the server's CPU is measured and arrival times are not, the load reads in rounds of this
# length: a reader that sleeps on the same machine has to be woken by the sender, which costs that
# more the slower it is, and which no client over a network does.
PACE_SECONDS = 0.01
