// The adapter for golang.org/x/oauth2: this file is the protocol, app.go the application.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"sync"
	"sync/atomic"
	"time"

	_ "unsafe" // for go:linkname
)

type request struct {
	Verb     string   `json:"regrant"`
	ID       int      `json:"id"`
	Actor    string   `json:"actor"`
	Of       any      `json:"of"` // the id of a request, or the name of an actor
	Kind     string   `json:"kind"`
	Keep     string   `json:"keep"`
	URL      string   `json:"url"`
	NowMs    int64    `json:"now_ms"`
	Clock    string   `json:"clock"`
	Provider provider `json:"provider"`
	Scopes   []string `json:"scopes"`
}

type provider struct {
	Endpoints struct {
		Authorization string `json:"authorization"`
		Token         string `json:"token"`
		Userinfo      string `json:"userinfo"`
	} `json:"endpoints"`
	Client struct {
		ID     string `json:"id"`
		Secret string `json:"secret"`
	} `json:"client"`
}

type object = map[string]any

// unsupported becomes the answer `no`.
type unsupported string

func (u unsupported) Error() string { return string(u) }

// adapter holds the running application and what it still owes an answer.
type adapter struct {
	app *app

	mu   sync.Mutex // guards stdout and owed
	owed map[int]bool
}

// frozenNanos is the wall clock of time.Now, see _clock/frozen.go.
//
//go:linkname frozenNanos time.frozenNanos
var frozenNanos int64

func main() {
	a := adapter{owed: map[int]bool{}}
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var r request
		if err := json.Unmarshal(line, &r); err != nil {
			log.Fatalf("not a request: %v", err)
		}
		a.take(r)
	}
}

// take answers what only moves the application's surroundings at once, and lets the application work beside it.
func (a *adapter) take(r request) {
	a.mu.Lock()
	a.owed[r.ID] = true
	a.mu.Unlock()
	switch r.Verb {
	case "sign_in", "session", "api", "sign_out":
		go a.run(r, a.app)
	default:
		a.run(r, a.app)
	}
}

func (a *adapter) run(r request, app *app) {
	defer func() {
		if p := recover(); p != nil {
			a.answer(r.ID, "threw", object{"message": fmt.Sprintf("panic: %v", p)})
		}
	}()
	ok, err := a.carryOut(r, app)
	switch err := err.(type) {
	case nil:
		a.answer(r.ID, "ok", ok)
	case unsupported:
		a.answer(r.ID, "no", object{"reason": err.Error()})
	default:
		a.answer(r.ID, "threw", object{"message": fmt.Sprintf("%T: %v", err, err)})
	}
}

func (a *adapter) carryOut(r request, app *app) (object, error) {
	switch r.Verb {
	case "hello":
		return hello(), nil
	case "start":
		setClock(r.Clock == "set", r.NowMs)
		a.app = newApp(r.Provider, r.Scopes)
	case "clock":
		setClock(true, r.NowMs)
		return object{"now_ms": time.Now().UnixMilli()}, nil
	case "sign_in":
		return app.signIn(r.Actor)
	case "session":
		return app.session(r.Actor), nil
	case "api":
		return app.api(r.Actor, r.URL)
	case "sign_out":
		return app.signOut(r.Actor), nil
	case "second":
		if r.Kind != "tab" {
			return nil, unsupported("there are no cookies to copy")
		}
		app.share(r.Of.(string), r.Actor)
	case "cancel":
		// As in a web server whose client hangs up: nobody waits any more, and the library's refresh goes on.
		a.answer(int(r.Of.(float64)), "ok", object{})
	case "restart":
		a.app = app.restarted(r.Keep == "store")
	case "logs":
		return object{"lines": []string{}}, nil // they are on stderr
	case "stop":
		a.app = nil
	default:
		return nil, unsupported("no such verb")
	}
	return object{}, nil
}

func setClock(frozen bool, nowMs int64) {
	if frozen {
		atomic.StoreInt64(&frozenNanos, nowMs*int64(time.Millisecond))
	}
}

// answer writes one line, unless the request has been answered by a cancel.
func (a *adapter) answer(id int, kind string, members object) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.owed[id] {
		return
	}
	delete(a.owed, id)
	text, _ := json.Marshal(members)
	fmt.Printf("{\"regrant\":\"answer\",\"id\":%d,%q:%s}\n", id, kind, text)
}
