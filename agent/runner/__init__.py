"""Drives an ACP agent process: ``mind.AcpMind`` for the loop, and in ``profile`` the runners there are by name."""
