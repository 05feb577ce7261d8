"""What the network sees and says: taxonomy, canonical frame, output decoding, model card."""
