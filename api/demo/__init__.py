"""The main job: one command trades, certifies, settles, reports, verifies, and then attacks."""
