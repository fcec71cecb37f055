// Package clock has the arithmetic of time and causality: hybrid times, version ids, the one total order of versions,
// and vector clocks in the form that people and peers read.
//
// # The model
//
// A DOT is (author, seq): one author counts its operations 1, 2, 3, … without gaps. A version is named by its last dot.
// What a version saw is its past; b covers a when a is in b's past. That alone says who wins. Time only breaks ties
// between versions that did not see each other:
//
//	   63                    16 15        0
//	  ┌────────────────────────┬───────────┐
//	  │ milliseconds since 1970│  counter  │   Time, a hybrid logical clock
//	  └────────────────────────┴───────────┘
//
//	Next(wall, after) = max(wall ms · 2^16, after + 1)        one tick = 1; the counter carries into the milliseconds
//
// A STAMP is a version's name and its place in the total order (Time, Author, ID). A VECTOR says how far somebody has
// come with each author.
//
// # Invariants
//
//  1. A version's time is above the times of all that it covers, so the order of stamps is a topological order of the
//     history: what covers is greater. The converse does not hold, and nothing here pretends it does.
//  2. Next never returns a time that is not above after. A wall clock before 1970 or beyond the year 2100 is ignored.
//  3. No author can push the clock of others beyond the year 2100 by more than one tick a version (ValidAfter).
//  4. The order of stamps is total: two versions that compare equal are one version.
//  5. The encodings are canonical (see internal/canon): one stamp, one form; one vector, one form.
//
// Sources: Kulkarni et al., "Logical Physical Clocks and Consistent Snapshots in Globally Distributed Databases" (2014),
// for Time; Fidge (1988) and Mattern (1989) for vector clocks; Preguiça et al., "Dotted Version Vectors" (2010), for
// dots.
package clock
