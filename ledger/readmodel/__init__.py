"""Stage 4, project: outcomes and events become what people query, in memory."""
