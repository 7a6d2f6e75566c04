//go:build cgo

package linking

import "C"
