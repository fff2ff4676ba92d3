"""Who calls, and what they may do. Ends at the router: services get a user's id and nothing else."""
