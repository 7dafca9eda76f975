"""What we make: published whole, vouched for by a manifest, counted, set aside, leased."""
