// Package temporary names files and folders that get another name, or go away, when the process that made them is done, so that
// those of a process that was killed can be told from those that are in use.
//
// Such a name is a prefix, the number of the process, a hyphen and digits. Sweep removes what has a prefix if no process of that
// number runs and nothing was changed there for an hour. The hour is for whoever cannot be seen: a process on another machine, or in
// another container, that has the folder too.
package temporary
