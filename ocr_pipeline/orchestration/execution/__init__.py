"""Where and when steps run: what they demand, the executor that leases it to them, and what a crash leaves behind."""
