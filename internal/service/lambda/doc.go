// Package lambda implements AWS Lambda: functions that run when they are called.
//
// A function is a row, and so is each of its published versions. Its code is
// kept as the zip file it came as, once for all who share it, and unpacked to
// a directory when it is first wanted; the directory is named by the code's
// hash, so nothing ever has to be told that it changed. What an invoke needs to know of
// a function is remembered until a transaction changes the function, so that a
// warm invoke touches no row: it finds the function in memory and hands the event
// to a Runner, which keeps the processes.
//
//	service.go      what the service is made of, its table of operations
//	name.go         the ways to name a function
//	function.go     create, get, list, delete
//	update.go       new code, new configuration
//	configuration.go what a function is told to be, checked and described
//	code.go         zip files: where they come from, how they are kept
//	image.go        container images
//	unpacked.go     directories with unpacked code
//	download.go     the URL of a function's code
//	version.go      published versions
//	alias.go        names for versions
//	permission.go   resource policies
//	layer.go        layers, layerpolicy.go their policies
//	url.go          URLs of functions, and urlserve.go and urlstream.go requests to them
//	concurrency.go  reserved concurrency, and provisioned.go the one that is kept ready
//	tag.go          tags
//	codesigning.go  whose code functions may have
//	runtime.go      versions of runtimes
//	invoke.go       calling a function, and stream.go taking its answer as it comes
//	queue.go        events that nobody waits for
//	eventconfig.go  what becomes of them, and outcome.go who is told
//	trace.go        trace headers, and chains of invokes without end; recursion.go who may
//	target.go       what an invoke needs to know, remembered
//	mapping.go      event source mappings: mappingcheck.go what is refused, mappingpoll.go what is done
//	role.go         what a function's code may act with
//	meter.go        what functions did, minute by minute
//	log.go          what a function writes
//	payload.go      what is wrong with an event
//	pager.go        pages of lists
//	store.go        the rows it keeps, and nothing but
//	errors.go       its refusals, where more than one handler makes them
//	worker.go       what it does in the background
package lambda
