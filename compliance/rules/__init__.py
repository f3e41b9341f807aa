"""Rule packs: law as dated, cited, hashed data, and the evaluator that decides under them."""
