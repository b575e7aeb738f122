"""The part of OData that Defender's clients use: `$filter` and `$orderby`, read and turned into SQL."""
