"""Why is something blocked: questions that the console asks of the gateways' own classifiers, and their answers."""
