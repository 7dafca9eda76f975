"""What others gave us: folders, archives and servers, read only."""
