package zstd

// A Sample says in other programs whether it is worth a try to compress a block. Here there is no encoder to try.
type Sample struct{}

// Reset does nothing.
func (*Sample) Reset() {}

// Add does nothing.
func (*Sample) Add([]byte) {}

// Noise reports that nothing is known of the block.
func (*Sample) Noise(int) bool { return false }
