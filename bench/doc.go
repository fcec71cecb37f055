// Command bench measures what the whole library costs beside the raw limit of the machine, in one run, and prints each
// figure with its ratio and its target.
//
// # How it measures
//
// Each row has two sides, ours and the limit: the same amount of work through kdelta, and through the database driver
// alone with the same settings, on a table of values by key as an application would have it. Both run in short rounds that
// alternate, so that what else the machine does hits both, and the medians are compared. Absolute times depend on the machine; the ratio decides. Rows without a limit beside
// them compare with the figure of the target itself.
//
//	go run ./bench            all rows but the large ones
//	go run ./bench -large     also databases of a million versions and more
//	go run ./bench -row Get   the rows whose names contain "Get"
package main
