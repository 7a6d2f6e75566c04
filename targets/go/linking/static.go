// Package linking decides how a program is linked: with cgo it needs libc and so the dynamic loader, which is
// how most Go programs of a distribution are; without, it is static, which is how most others are.
package linking
