"""Pictures, targets and boxes as arrays: numpy and OpenCV only."""
