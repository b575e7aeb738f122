"""People with passwords and programs with tokens: who they are and what they may do. Nothing about HTTP."""
