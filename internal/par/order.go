package par

import "sync"

// An Order runs functions one at a time in the order of their numbers 0, 1, 2, …, however
// the goroutines that hand them in come: what belongs in sequence (a file, its hash) beside
// work that does not. Nobody waits for its turn: a function that comes early is left to
// whoever closes the gap before it, unless it is Ahead or more numbers early.
type Order struct {
	ahead   int
	mu      sync.Mutex
	moved   sync.Cond
	next    int                  // number of the function to run next
	early   map[int]func() error // what waits for those before it
	busy    bool                 // a goroutine is running functions
	stopped bool
}

// NewOrder returns an Order that lets up to ahead functions wait.
func NewOrder(ahead int) *Order {
	if ahead < 1 {
		panic("par: ahead must be positive")
	}
	o := &Order{ahead: ahead, early: map[int]func() error{}}
	o.moved.L = &o.mu
	return o
}

// Do hands in function number i, and runs it with those that it held up if all before it
// have run. The numbers must be begun in order, as Rows begins its groups, and each must come
// to Do unless Stop is called. Do returns the error of a function that it ran; after an error
// or Stop no further function runs.
func (o *Order) Do(i int, f func() error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i >= o.next+o.ahead && !o.stopped {
		o.moved.Wait()
	}
	o.early[i] = f
	if o.busy {
		return nil
	}
	o.busy = true
	defer func() { o.busy = false }()
	for !o.stopped && o.early[o.next] != nil {
		f := o.early[o.next]
		delete(o.early, o.next)
		err := func() error {
			o.mu.Unlock()
			defer o.mu.Lock() // in a panic too, which else ends in that of the mutex
			return f()
		}()
		o.next++
		o.moved.Broadcast()
		if err != nil {
			o.stopped = true
			return err
		}
	}
	return nil
}

// Stop keeps all further functions from running, because one before them will not come.
func (o *Order) Stop() {
	o.mu.Lock()
	o.stopped = true
	o.mu.Unlock()
	o.moved.Broadcast()
}
