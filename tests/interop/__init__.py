"""vrrpd beside the real keepalived and FRR, on real networks."""
