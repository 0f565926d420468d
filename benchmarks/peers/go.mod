module scrapegate/benchmarks/peers

go 1.20

require github.com/QubitProducts/exporter_exporter v0.5.0
