package dataio

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// A File is an output file that appears whole or not at all: it is written under
// a temporary name in the same directory, Commit gives it its name, Abort removes
// it. A new file has mode 0644 less the umask; a file that is replaced hands on
// its mode; a symbolic link keeps pointing to the file that is replaced.
//
// What is there and is not a regular file (/dev/stdout, a pipe) cannot be
// replaced and is written straight.
type File struct {
	f    *os.File
	path string // where the file is wanted
	temp string // its name until then; "" if written straight
}

// Create starts an output file at path.
func Create(path string) (*File, error) {
	target := path
	if p, err := filepath.EvalSymlinks(path); err == nil {
		target = p
	}
	mode, chmod := fs.FileMode(0o644), false
	switch info, err := os.Stat(target); {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("%s: is a directory", path)
	case err == nil && !info.Mode().IsRegular():
		f, err := os.OpenFile(target, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return &File{f: f, path: target}, nil
	case err == nil:
		mode, chmod = info.Mode().Perm(), true
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("cannot write %s: %w", path, cause(err))
	}
	dir, base := filepath.Split(target)
	for try := 0; ; try++ {
		temp := fmt.Sprintf("%s.%s.%08x.tmp", dir, base, rand.Uint32())
		f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if errors.Is(err, fs.ErrExist) && try < 100 {
			continue
		}
		if err == nil && chmod { // the umask may have taken bits away
			if err = f.Chmod(mode); err != nil {
				f.Close()
				os.Remove(temp)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("cannot write %s: %w", path, cause(err))
		}
		return &File{f: f, path: target, temp: temp}, nil
	}
}

// Write appends to the file.
func (f *File) Write(p []byte) (int, error) { return f.f.Write(p) }

// Commit closes the file and gives it its name. After an error nothing is left.
func (f *File) Commit() error {
	temp := f.temp
	f.temp = ""
	err := f.f.Close()
	if temp != "" {
		if err == nil {
			err = os.Rename(temp, f.path)
		}
		if err != nil {
			os.Remove(temp)
		}
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", f.path, cause(err))
	}
	return nil
}

// Abort removes what was written. After Commit it does nothing, so that it can be
// deferred.
func (f *File) Abort() {
	f.f.Close()
	if f.temp != "" {
		os.Remove(f.temp)
		f.temp = ""
	}
}

// WriteFile writes a file at path as File does, with the content that write puts
// out. If write fails, or panics, what was at path stays as it was.
func WriteFile(path string, write func(io.Writer) error) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	defer f.Abort()
	if err := write(f); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, cause(err))
	}
	return f.Commit()
}

// cause strips the operation and the temporary name from an error of package os.
func cause(err error) error {
	var pe *fs.PathError
	var le *os.LinkError
	switch {
	case errors.As(err, &pe):
		return pe.Err
	case errors.As(err, &le):
		return le.Err
	}
	return err
}
