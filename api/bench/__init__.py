"""`provenue bench`: measurements, one JSON object a line, each beside a yardstick."""
