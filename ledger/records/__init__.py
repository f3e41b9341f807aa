"""The fixed-width records that travel the road. Normative text: docs/spec/records.md."""
