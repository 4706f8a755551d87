"""What a season and a year cost, as code: counted requests times listed prices (docs/decisions/0072)."""
