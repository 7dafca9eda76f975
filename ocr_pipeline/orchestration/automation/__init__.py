"""What starts work by itself: new labels on the share, the night, and data that has changed enough to train on."""
