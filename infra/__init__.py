"""What runs beside the service: the local runner, the operator's command line, the demonstration, the runbook."""
