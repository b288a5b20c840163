const {connectEtcd}=require('/tmp/lead/dist/lib/etcd/etcd3-store.js');
const {startMirror}=require('/tmp/lead/dist/lib/etcd/mirror.js');
const {systemClock}=require('/tmp/lead/dist/lib/clock.js');
(async()=>{
 const s=connectEtcd({endpoints:['http://127.0.0.1:23990']});
 await s.txn({compares:[],writes:[{op:'put',key:'/a/x',value:'1'}]});
 gc();const r0=process.memoryUsage();
 const t=Date.now();
 const N=+process.argv[2];let done=0;const ms=[];
 for(let i=0;i<N;i++){ms.push(startMirror({store:s,range:{prefix:`/a/${i}/`},clock:systemClock,onChange:()=>{done++}}));if(i%100==99)await new Promise(r=>setTimeout(r,10));}
 while(ms.some(m=>!m.connected))await new Promise(r=>setTimeout(r,100));
 console.log('ms',Date.now()-t);
 await new Promise(r=>setTimeout(r,2000));gc();const r1=process.memoryUsage();
 console.log('rss MB',(r1.rss-r0.rss)/1e6,'heap',(r1.heapUsed-r0.heapUsed)/1e6);
 process.exit(0);
})();
