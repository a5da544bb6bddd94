// Package cloudwatch implements Amazon CloudWatch: metrics, math over them,
// alarms and dashboards.
//
// What was measured of a metric in a minute is one row, a stat.Set, to which a
// PutMetricData adds; so a datum costs a few bytes of a row however many there
// are. What is measured by the second is kept so for three hours. As data grow
// old a sweep moves them on to coarser rows, by tiers as AWS has them, and
// reading merges rows of all tiers into the periods that are asked for.
//
// An alarm is due each minute, which is a row. The transaction that finds its
// state changed also sends what is to be done about it, and changes the
// composite alarms above it, so each change is acted on once whatever crashes.
//
//	service.go     the table             alarm.go      alarms
//	store.go       rows, tiers           describe.go   alarms, as they are told
//	metric.go      PutMetricData, lists  evaluate.go   when alarms change state
//	bins.go        rows as periods       action.go     what is done then; histories
//	statistics.go  GetMetricStatistics   composite.go  alarms made of alarms
//	query.go       queries               dashboard.go  dashboards
//	data.go        GetMetricData         tag.go        tags
//	label.go       labels of data        sweep.go      data that grow old
//	formula        metric math           rule          rules of composite alarms
package cloudwatch
