// Package database measures the library on PostgreSQL beside SQL that somebody wrote by hand to do the same changes of rows on
// the same server, and keeps what was measured last in a file, of which the plot in README and the table in the worker's guide are made.
//
// The two sides of a figure take turns, so that whatever else the machine does strikes both; the times are those of the
// fastest rounds, and in brackets stands the median of the rounds' ratios. Both sides work on tables of their own, which are
// the same: two installations of one seed. Servers run without fsync, because what is compared is work, not disks.
package database
