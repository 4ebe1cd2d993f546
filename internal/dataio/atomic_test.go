package dataio

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// names lists a directory.
func names(t *testing.T, dir string) (list []string) {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func content(t *testing.T, path string) string {
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	p := filepath.Join(dir, "out.txt")
	put := func(s string, err error) error {
		return WriteFile(p, func(w io.Writer) error {
			_, e := io.WriteString(w, s)
			return errors.Join(e, err)
		})
	}
	require.NoError(t, put("one", nil))
	assert.Equal(t, "one", content(t, p))

	// A failed or panicking writer leaves the old file and no other.
	assert.ErrorContains(t, put("two", errors.New("no luck")), "out.txt: no luck")
	assert.Panics(t, func() { _ = WriteFile(p, func(io.Writer) error { panic("x") }) })
	assert.Equal(t, "one", content(t, p))
	assert.Equal(t, []string{"out.txt"}, names(t, dir))

	require.NoError(t, put("three", nil))
	assert.Equal(t, "three", content(t, p))
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	p := filepath.Join(dir, "out.txt")
	f, err := Create(p)
	require.NoError(t, err)
	_, err = f.Write([]byte("x"))
	require.NoError(t, err)
	assert.NoFileExists(t, p) // nothing under the final name before Commit
	f.Abort()
	f.Abort()
	assert.Empty(t, names(t, dir))

	f, err = Create(p)
	require.NoError(t, err)
	require.NoError(t, f.Commit())
	f.Abort() // after Commit it does nothing
	assert.Equal(t, []string{"out.txt"}, names(t, dir))

	// The directory goes away in between: an error and no file left.
	sub := filepath.Join(dir, "sub")
	require.NoError(t, os.Mkdir(sub, 0o700))
	f, err = Create(filepath.Join(sub, "a"))
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(sub))
	assert.ErrorContains(t, f.Commit(), "cannot write "+filepath.Join(sub, "a"))
}

func TestCreateErrors(t *testing.T) {
	dir := t.TempDir()
	_, err := Create(filepath.Join(dir, "missing", "x.npy"))
	assert.EqualError(t, err, "cannot write "+filepath.Join(dir, "missing", "x.npy")+": no such file or directory")
	_, err = Create(dir)
	assert.ErrorContains(t, err, "is a directory")
	file := filepath.Join(dir, "f")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = Create(filepath.Join(file, "x"))
	assert.ErrorContains(t, err, "cannot write "+filepath.Join(file, "x"))
}

func TestFileModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes and no symbolic links without rights")
	}
	dir := t.TempDir()
	p := filepath.Join(dir, "x")
	mode := func() os.FileMode {
		info, err := os.Stat(p)
		require.NoError(t, err)
		return info.Mode().Perm()
	}
	plain := func(w io.Writer) error { return nil }
	require.NoError(t, WriteFile(p, plain))
	ref := filepath.Join(dir, "ref") // what the umask of this process makes of 0644
	require.NoError(t, os.WriteFile(ref, nil, 0o644))
	info, err := os.Stat(ref)
	require.NoError(t, err)
	assert.Equal(t, info.Mode().Perm(), mode())

	require.NoError(t, os.Chmod(p, 0o666)) // more than the umask allows a new file
	require.NoError(t, WriteFile(p, plain))
	assert.Equal(t, os.FileMode(0o666), mode())

	// A symbolic link stays, what it points to is replaced.
	link := filepath.Join(dir, "link")
	require.NoError(t, os.Symlink("x", link))
	require.NoError(t, WriteFile(link, func(w io.Writer) error { _, err := w.Write([]byte("via")); return err }))
	assert.Equal(t, "via", content(t, p))
	info, err = os.Lstat(link)
	require.NoError(t, err)
	assert.NotZero(t, info.Mode()&os.ModeSymlink)

	// A device is written to, not replaced.
	require.NoError(t, WriteFile(os.DevNull, func(w io.Writer) error { _, err := w.Write([]byte("x")); return err }))
	info, err = os.Stat(os.DevNull)
	require.NoError(t, err)
	assert.False(t, info.Mode().IsRegular())
}
