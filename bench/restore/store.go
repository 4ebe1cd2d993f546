package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"slices"
)

// A store has the rows of one experiment, in the order in which they were measured, and keeps
// them in a file if it has a name.
type store struct {
	experiment, file string
	rows             []answer
}

// open reads the rows of an experiment; a file that is not there has none.
func open(experiment, file string) (*store, error) {
	s := &store{experiment: experiment, file: file}
	if file == "" {
		return s, nil
	}
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	for in.Scan() {
		var a answer
		if err := json.Unmarshal(in.Bytes(), &a); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if a.Experiment == experiment && !s.has(a.Task, a.Method) {
			s.rows = append(s.rows, a)
		}
	}
	return s, in.Err()
}

// reread returns the store with the rows that its file has now.
func (s *store) reread() (*store, error) {
	if s.file == "" {
		return s, nil
	}
	return open(s.experiment, s.file)
}

func (s *store) keep(a answer) error {
	a.Experiment = s.experiment
	s.rows = append(s.rows, a)
	if s.file == "" {
		return nil
	}
	line, err := json.Marshal(a)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(s.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n')) // one write, so that processes may share the file
	return errors.Join(err, f.Close())
}

func (s *store) get(task, method string) (answer, bool) {
	i := slices.IndexFunc(s.rows, func(a answer) bool { return a.Task == task && a.Method == method })
	if i < 0 {
		return answer{}, false
	}
	return s.rows[i], true
}

func (s *store) has(task, method string) bool { _, ok := s.get(task, method); return ok }

// pending reports whether a method of a task is wanted and not in the store.
func (s *store) pending(task string, methods []restorer) bool {
	return slices.ContainsFunc(methods, func(m restorer) bool { return wanted(task, m.name) && !s.has(task, m.name) })
}

const settingsRow = "(settings)"

// settings are those that were tuned for a task, nil if none were.
func (s *store) settings(task string) []float64 {
	a, _ := s.get(task, settingsRow)
	return a.Settings
}

// tuned returns the settings of a task, which it finds unless that was done before.
func (s *store) tuned(task string, find func() ([]float64, error)) ([]float64, error) {
	if v := s.settings(task); v != nil {
		return v, nil
	}
	v, err := find()
	if err != nil {
		return nil, err
	}
	log.Printf("%s: settings %.3g", task, v)
	return v, s.keep(answer{Task: task, Method: settingsRow, Settings: v})
}

// methods are the names of the rows of the tasks, in the order of the first that has each.
func (s *store) methods(tasks ...string) []string {
	var names []string
	for _, a := range s.rows {
		if a.Settings == nil && slices.Contains(tasks, a.Task) && !slices.Contains(names, a.Method) {
			names = append(names, a.Method)
		}
	}
	return names
}
