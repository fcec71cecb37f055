// Package pipe is the link within a process: it joins two sessions that sync
// two files with each other, and it is the network of tests.
//
// A pipe is two bounded queues, one for each direction. A queue takes a frame
// while it holds fewer than MaxFrames frames and the frame fits into MaxBytes
// together with them; else Send waits. It follows the contract of package
// transport exactly, and where that leaves a choice it is strict:
//
//  1. A Send that returned an error has sent nothing.
//  2. A Send that returned nil is received, unless the other end stops
//     receiving: closing loses no frame, whichever end closes.
//  3. Frames are copied on Send; nothing is shared between the ends.
//
// A pipe starts no goroutine and needs no Close to be collected.
package pipe
