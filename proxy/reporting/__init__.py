"""How verdict events leave the process that enforced them and reach the collector, whoever is killed meanwhile."""
