"""Measurements of absolute speed, as ratios against keepalived and FRR in the same run.

    python -m tests.bench            all of it, some twenty minutes: `make bench`
    python -m tests.bench --quick    one minute: `make bench-quick`

Nothing here asserts a number of seconds; `make test` runs one small measurement of each kind to
see that the instruments work.
"""
